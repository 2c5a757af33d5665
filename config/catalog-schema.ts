import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Environment } from './environment';
import { path, section, text } from './fields';
import { ownMongoShape, resolveOwnMongo } from './own-mongo-schema';

const cache = z.union([path, z.literal(false)]).optional();

const storageCatalog = section({ type: z.literal('storage'), cache });

const mongodbCatalog = section({
  type: z.literal('mongodb'),
  cache,
  ...ownMongoShape('holdfast_catalog'),
  host: text.optional(),
});

/** The section `catalog` of holdfast.yaml. A mapping without `type` is read as one of the default type. */
export const catalogSchema = z.preprocess(
  (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && !('type' in value)
      ? { type: 'storage', ...value }
      : value,
  z.discriminatedUnion('type', [storageCatalog, mongodbCatalog]),
);

type ParsedCatalog = z.output<typeof catalogSchema>;
type Resolved<T> = Omit<T, 'cache'> & {
  /** Where MANIFESTs that were read are kept, absolute; `false`: nowhere. */
  readonly cache: string | false;
};

/** A catalog in a MongoDB, as holdfast.yaml gives it, its paths absolute. */
export type MongodbCatalogConfig = Resolved<z.output<typeof mongodbCatalog>> & {
  /** The name by which a storage that only one host reaches is known. */
  readonly host: string;
};

/** What `list` and `find` are answered from. */
export type CatalogConfig = Resolved<z.output<typeof storageCatalog>> | MongodbCatalogConfig;

/** Fills in what depends on the process, and makes paths absolute, against the directory of the file. */
export function resolveCatalog(
  catalog: ParsedCatalog,
  directory: string,
  environment: Pick<Environment, 'variables' | 'home' | 'hostname'>,
): CatalogConfig {
  const kept =
    catalog.cache === undefined
      ? join(userCache(environment), 'holdfast', 'manifests')
      : catalog.cache !== false && resolve(directory, catalog.cache);
  if (catalog.type === 'storage') return { type: catalog.type, cache: kept };
  return {
    ...resolveOwnMongo(catalog, directory),
    cache: kept,
    host: catalog.host ?? environment.hostname,
  };
}

function userCache({ variables, home }: Pick<Environment, 'variables' | 'home'>): string {
  const xdg = variables['XDG_CACHE_HOME'];
  return xdg !== undefined && xdg.startsWith('/') ? xdg : join(home, '.cache');
}
