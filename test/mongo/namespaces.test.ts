import {
  dumpFileNames,
  escapeCollectionName,
  isDumpedCollection,
  isExcludedEntryNamespace,
  isIncludedDatabase,
  isShortenedFileName,
  unescapeCollectionName,
} from '../../mongo/namespaces';

test('collection names become the file names mongodump gives them, and come back', () => {
  for (const [name, escaped] of [
    ['units', 'units'],
    ['a b/c', 'a+b%2Fc'],
    ["!'()*~+%", '%21%27%28%29%2A~%2B%25'],
    ['naïve', 'na%C3%AFve'],
    ['logs.6f3c-_', 'logs.6f3c-_'],
  ] as const) {
    expect(escapeCollectionName(name)).toBe(escaped);
    expect(unescapeCollectionName(escaped)).toBe(name);
  }
});

test('a name of more than 238 escaped bytes is shortened and says so', () => {
  const fits = 'x'.repeat(238);
  expect(escapeCollectionName(fits)).toBe(fits);
  const long = escapeCollectionName('é'.repeat(100));
  expect(long).toHaveLength(238);
  expect(isShortenedFileName(long)).toBe(true);
  expect(unescapeCollectionName(long)).toBeUndefined();
  expect(unescapeCollectionName('%zz')).toBeUndefined();
});

test('views have no data file and a time series has that of its buckets', () => {
  expect(dumpFileNames('juju', 'v', 'view')).toEqual({ metadata: 'juju/v.metadata.json' });
  expect(dumpFileNames('juju', 't', 'timeseries')).toEqual({
    metadata: 'juju/t.metadata.json',
    data: 'juju/system.buckets.t.bson',
  });
});

test('what is not the controller’s is never dumped nor replayed', () => {
  for (const name of ['admin', 'config', 'local', 'backups', 'holdfast', 'holdfast-x']) {
    expect(isIncludedDatabase(name)).toBe(false);
    expect(isExcludedEntryNamespace(`${name}.anything`)).toBe(true);
  }
  expect(isIncludedDatabase('juju')).toBe(true);
  expect(isDumpedCollection('juju', 'hf-stage.1')).toBe(false);
  expect(isDumpedCollection('juju', 'system.js')).toBe(true);
  expect(isDumpedCollection('juju', 'system.views')).toBe(false);
  expect(isExcludedEntryNamespace('juju.hf-old.3')).toBe(true);
  expect(isExcludedEntryNamespace('juju.system.views')).toBe(false);
  expect(isExcludedEntryNamespace('juju.$cmd')).toBe(false);
  expect(isExcludedEntryNamespace('')).toBe(false);
});
