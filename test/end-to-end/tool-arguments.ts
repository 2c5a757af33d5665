import type { Site } from './site';

/** Connection arguments of mongodump and mongorestore for a site's mongod. */
export function toolArguments({ example }: Site): string[] {
  return [
    `--host=${example.hosts[0] ?? ''}`,
    '--ssl',
    '--sslAllowInvalidCertificates',
    '--username=machine-0',
    `--password=${example.password}`,
    '--authenticationDatabase=admin',
  ];
}
