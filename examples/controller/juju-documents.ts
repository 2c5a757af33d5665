import type { Document } from 'mongodb';
import { Binary, Int32, Long } from 'mongodb';
import { exampleJujuVersion, type ControllerIdentity } from './controller-files';
import { everyType, oddCollection } from './odd-documents';
import type { SeededRandom } from './seeded-random';

/** Documents by collection of the database `juju`. */
export type Documents = Readonly<Record<string, readonly Document[]>>;

/** A model of the example. */
export interface ExampleModel {
  readonly uuid: string;
  readonly name: string;
  readonly machines: number;
  readonly applications: readonly string[];
}

/** Seconds of a year. */
const year = 365 * 24 * 3600;

/** A queue as Juju's transactions leave it in every document. */
export function txnQueue(random: SeededRandom): Document {
  return {
    'txn-revno': Long.fromNumber(2 + random.below(9)),
    'txn-queue': [`${random.hex(24)}_${random.hex(8)}`],
  };
}

/**
 * Everything of a small controller but the bulk, shaped like the documents Juju 2.9 writes. Dates
 * that TTL indexes look at lie a year after `now`.
 */
export function jujuDocuments(
  identity: ControllerIdentity,
  models: readonly ExampleModel[],
  caCert: string,
  caKey: string,
  random: SeededRandom,
  now: Date,
): Documents {
  const { modelUuid, controllerUuid } = identity;
  const doc = (fields: Document): Document => ({ ...fields, ...txnQueue(random) });
  const nanoseconds = Long.fromBigInt(BigInt(now.getTime()) * 1_000_000n + 286_211_381n);
  const settings = (id: string, model: string, values: Document): Document =>
    doc({ _id: id, 'model-uuid': model, settings: values, version: Long.fromNumber(1) });
  const later = new Date(now.getTime() + year * 1000);
  const hostPorts = [
    [
      {
        value: '127.0.0.1',
        addresstype: 'ipv4',
        networkscope: 'local-machine',
        port: new Int32(identity.apiPort),
      },
    ],
  ];
  return {
    models: models.map((model) =>
      doc({
        _id: model.uuid,
        name: model.name,
        type: 'iaas',
        life: new Int32(0),
        owner: 'admin',
        'controller-uuid': controllerUuid,
        'migration-mode': '',
        'environ-version': new Int32(3),
        cloud: 'localhost',
        'cloud-region': 'localhost',
        'cloud-credential': 'localhost/admin/default',
        sla: { level: '', credentials: new Binary(Buffer.alloc(0)) },
        'meter-status': { code: '', info: '' },
        passwordhash: '',
      }),
    ),
    controllers: [
      doc({ _id: 'e', cloud: 'localhost', 'model-uuid': modelUuid, 'controller-ids': ['0'] }),
      doc({ _id: 'apiHostPorts', apihostports: hostPorts }),
      doc({ _id: 'apiHostPortsForAgents', apihostports: hostPorts }),
      doc({
        _id: 'stateServingInfo',
        apiport: new Int32(identity.apiPort),
        stateport: new Int32(identity.statePort),
        cert: caCert,
        privatekey: '',
        caprivatekey: caKey,
        sharedsecret: random.hex(64),
        systemidentity: '',
      }),
      doc({ _id: 'hostedModelCount', refcount: new Int32(models.length - 1) }),
      settings('controllerSettings', '', {
        'controller-uuid': controllerUuid,
        'controller-name': 'example',
        'ca-cert': caCert,
        'api-port': new Int32(identity.apiPort),
        'state-port': new Int32(identity.statePort),
        'auditing-enabled': true,
        'max-debug-log-duration': Long.fromString('86400000000000'),
      }),
    ],
    controllerNodes: [
      doc({
        _id: `${modelUuid}:0`,
        'has-vote': true,
        'wants-vote': true,
        'password-hash': '',
        'model-uuid': modelUuid,
      }),
    ],
    settings: models.map((model) =>
      settings(`${model.uuid}:e`, model.uuid, {
        'agent-version': exampleJujuVersion,
        'default-series': 'focal',
        name: model.name,
        uuid: model.uuid,
        'net-bond-reconfigure-delay': new Int32(17),
        'provisioner-harvest-mode': 'destroyed',
        'logging-config': '<root>=INFO',
      }),
    ),
    globalSettings: [
      settings('cloud#localhost', '', { 'apt-mirror': 'http://archive.example.com/ubuntu' }),
    ],
    clouds: ['localhost', 'aws', 'microk8s'].map((name) =>
      doc({
        _id: name,
        name,
        type: name === 'localhost' ? 'lxd' : name,
        'auth-types': ['certificate'],
        endpoint: `https://${name}.example.com:8443`,
        regions: { localhost: { endpoint: `https://${name}.example.com:8443` } },
      }),
    ),
    users: ['admin', 'ana', 'bob'].map((name) =>
      doc({
        _id: name,
        name,
        displayname: name,
        passwordhash: random.hex(24),
        passwordsalt: random.hex(16),
        createdby: 'admin',
        datecreated: now,
      }),
    ),
    machines: models.flatMap((model) =>
      Array.from({ length: model.machines }, (_, index) => machine(model, index, random, now)),
    ),
    instanceData: models.flatMap((model) =>
      Array.from({ length: model.machines }, (_, index) =>
        doc({
          _id: `${model.uuid}:${index}`,
          machineid: String(index),
          instanceid: `juju-${model.uuid.slice(-6)}-${index}`,
          'display-name': '',
          'model-uuid': model.uuid,
          arch: 'amd64',
          mem: Long.fromNumber(7884),
          cpucores: Long.fromNumber(2),
        }),
      ),
    ),
    applications: models.flatMap((model) =>
      model.applications.map((name) =>
        doc({
          _id: `${model.uuid}:${name}`,
          name,
          'model-uuid': model.uuid,
          series: 'focal',
          subordinate: false,
          charmurl: `ch:amd64/focal/${name}-58`,
          life: new Int32(0),
          unitcount: new Int32(3),
          exposed: false,
          'metric-credentials': new Binary(Buffer.alloc(0)),
          passwordhash: '',
        }),
      ),
    ),
    units: models.flatMap((model) =>
      model.applications.flatMap((application) =>
        [0, 1, 2].map((number) =>
          doc({
            _id: `${model.uuid}:${application}/${number}`,
            name: `${application}/${number}`,
            'model-uuid': model.uuid,
            application,
            series: 'focal',
            machineid: String(number % Math.max(1, model.machines)),
            life: new Int32(0),
            passwordhash: random.hex(24),
            subordinates: [],
            tools: { version: `${exampleJujuVersion}-ubuntu-amd64`, size: Long.fromNumber(0) },
          }),
        ),
      ),
    ),
    statuses: models.map((model) =>
      doc({
        _id: `${model.uuid}:e`,
        'model-uuid': model.uuid,
        status: 'available',
        statusinfo: '',
        statusdata: {},
        updated: nanoseconds,
      }),
    ),
    leaseholders: models.flatMap((model) =>
      model.applications.map((name) =>
        doc({
          _id: `${model.uuid}:application-leadership#${name}#`,
          namespace: 'application-leadership',
          'model-uuid': model.uuid,
          lease: name,
          holder: `${name}/0`,
        }),
      ),
    ),
    // Juju's clean-up of zero times: the year 1.
    cleanups: [
      doc({
        _id: `${modelUuid}:${random.hex(24)}`,
        kind: 'dyingMachine',
        when: new Date(-62135596800000),
      }),
    ],
    sequence: models.map((model) => ({
      _id: `${model.uuid}:machine`,
      name: 'machine',
      'model-uuid': model.uuid,
      counter: new Int32(model.machines),
    })),
    'txns.stash': [
      {
        _id: { c: 'remoteApplications', id: `${modelUuid}:mysql` },
        'txn-queue': [`${random.hex(24)}_${random.hex(8)}`],
      },
    ],
    bakeryStorageItems: Array.from({ length: 5 }, () => ({
      _id: new Binary(Buffer.from(random.hex(32))),
      created: now,
      expires: later,
      rootkey: new Binary(random.bytes(24)),
    })),
    cloudimagemetadata: [
      { ...image(random, now), 'expire-at': later },
      // The index is sparse: custom images never expire.
      image(random, now),
    ],
    annotations: models.map((model) =>
      doc({
        _id: `${model.uuid}:e`,
        globalkey: 'e',
        'model-uuid': model.uuid,
        tag: `model-${model.uuid}`,
        annotations: { owner: 'ünïcode \u0000 and dots', tier: '1' },
      }),
    ),
    [oddCollection]: [everyType(random, now)],
    actions: [],
    relations: [],
    migrations: [],
    'migrations.active': [],
    restoreInfo: [],
    secretMetadata: [],
  };
}

function machine(model: ExampleModel, index: number, random: SeededRandom, now: Date): Document {
  const address = {
    value: index === 0 && model.name === 'controller' ? '127.0.0.1' : `10.21.1.${11 + index}`,
    addresstype: 'ipv4',
    networkscope: 'local-cloud',
    origin: 'machine',
  };
  return {
    _id: `${model.uuid}:${index}`,
    machineid: String(index),
    'model-uuid': model.uuid,
    nonce: model.name === 'controller' ? 'user-admin:bootstrap' : `machine-0:${random.uuid()}`,
    series: 'focal',
    containertype: '',
    principals: [],
    life: new Int32(0),
    jobs: model.name === 'controller' ? [new Int32(2), new Int32(1)] : [new Int32(1)],
    passwordhash: random.hex(24),
    clean: false,
    addresses: [address],
    preferredprivateaddress: address,
    'agent-started-at': now,
    ...txnQueue(random),
  };
}

function image(random: SeededRandom, now: Date): Document {
  return {
    _id: `released:localhost:focal:amd64:hvm:ebs:${random.hex(8)}`,
    image_id: `ami-${random.hex(16)}`,
    stream: 'released',
    series: 'focal',
    arch: 'amd64',
    date_created: Long.fromBigInt(BigInt(now.getTime()) * 1_000_000n),
    priority: new Int32(50),
  };
}
