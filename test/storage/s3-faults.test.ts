import { contentOf, type FaultGround } from './fault-life';
import { describeFaults, type MatrixFault } from './fault-matrix';
import { S3Proxy, type Passing, type ProxyFault } from './s3-proxy';
import { S3Server } from './s3-server';

let server: S3Server;
let proxy: S3Proxy;
beforeAll(async () => {
  server = await S3Server.start();
  proxy = await S3Proxy.start(server.endpoint);
});
afterAll(async () => {
  await proxy.stop();
  await server.stop();
});

/** Two parts, the second one short. */
const content = contentOf(5 * 1024 ** 2 + 100_000);

async function open(): Promise<FaultGround> {
  const bucket = await server.bucket();
  proxy.clear();
  const options = { attempts: 1, conditionalWrites: 'yes' } as const;
  const [harmed, clean] = [
    server.open(bucket, { ...options, endpoint: proxy.endpoint }),
    server.open(bucket, { ...options, attempts: 3 }),
  ];
  return {
    harmed,
    clean,
    content,
    leftovers: async () => {
      const { keys, uploads } = await server.contents(bucket);
      return [...keys, ...uploads];
    },
    dispose: async () => {
      await harmed.close();
      await clean.close();
    },
  };
}

const xml = (code: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>as planned</Message></Error>`;
const answer = (status: number, code: string): ProxyFault => {
  return { kind: 'answer', status, body: xml(code) };
};
const any = (): boolean => true;
const hasBody = ({ method }: Passing): boolean => method !== 'HEAD';
/** Where the answer is content, nothing tells an error from it, and no service answers so. */
const saysXml = ({ method, url }: Passing): boolean =>
  method === 'POST' || method === 'PUT' || /[?&](?:list-type|uploads|uploadId)/.test(url);
/** Content goes up, or comes down; listings carry no checksum, and TLS is what guards them. */
const isContent = ({ method, url }: Passing): boolean =>
  (method === 'PUT' || method === 'GET') && !/[?&](?:list-type|uploads|uploadId=)/.test(url);

type Lasting = 'once' | 'for ever';

function fault(
  name: string,
  harm: ProxyFault,
  lasting: Lasting,
  match: (passing: Passing) => boolean = any,
): MatrixFault<FaultGround> {
  return {
    name: `${name}, ${lasting}`,
    passes: lasting === 'once' || harm.kind === 'slow',
    strike: (_ground, operation, place) => {
      let begun = false;
      let struck = false;
      return {
        operation,
        begin: async () => {
          if (lasting === 'for ever') proxy.harm(match, harm, 1e9, place);
          else if (!begun) proxy.harm(match, harm, 1, place);
          begun = true;
        },
        end: async () => {
          struck ||= proxy.struck > 0;
          proxy.clear();
        },
        struck: () => struck,
      };
    },
  };
}

const both = (
  name: string,
  harm: ProxyFault,
  match?: (passing: Passing) => boolean,
): MatrixFault<FaultGround>[] => [
  fault(name, harm, 'once', match),
  fault(name, harm, 'for ever', match),
];

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));

describeFaults('s3', {
  open,
  places: 8,
  count: 10,
  faults: [
    ...both('an error', answer(500, 'InternalError')),
    ...both('too many requests', answer(503, 'SlowDown')),
    fault('slow', { kind: 'slow', wait }, 'for ever'),
    ...both('a short answer', { kind: 'short body', bytes: 60 }, hasBody),
    ...both('a wrong byte on the way down', { kind: 'wrong byte got', at: 50 }, isContent),
    ...both('a wrong byte on the way up', { kind: 'wrong byte sent', at: 10 }, isContent),
    ...both('the answer lost', { kind: 'lose answer' }),
    ...both('an error inside 200', answer(200, 'InternalError'), saysXml),
    ...both('the connection cut before', { kind: 'cut' }),
    ...both('the connection cut in the request', { kind: 'cut sent', bytes: 40_000 }),
    ...both('the connection cut in the answer', { kind: 'cut body', bytes: 30 }),
    ...both('the token expired', answer(403, 'ExpiredToken')),
    ...both('the clock wrong', answer(403, 'RequestTimeTooSkewed')),
  ],
});
