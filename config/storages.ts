import { HoldfastError } from '../core/errors';
import { quoteName } from '../core/ids';
import type { HoldfastConfig } from './holdfast-config';
import { nearestName } from './nearest-name';
import type { StorageSettings } from './storage-schema';

/** Every storage of a configuration, the default one first. */
export function allStorages({ storage, storages }: HoldfastConfig): readonly StorageSettings[] {
  return [storage, ...Object.entries(storages).map(([name, settings]) => ({ name, ...settings }))];
}

/** The storage of that name. @throws HoldfastError HF-STORAGE-011 */
export function findStorage(config: HoldfastConfig, name: string): StorageSettings {
  const found = allStorages(config).find((storage) => storage.name === name);
  if (found === undefined) throw unknownStorage(config, name);
  return found;
}

/** HF-STORAGE-011, with the nearest name there is. */
export function unknownStorage(
  config: HoldfastConfig,
  name: string,
): HoldfastError<'HF-STORAGE-011'> {
  const known = allStorages(config).map((storage) => storage.name);
  const near = nearestName(name, known);
  return new HoldfastError('HF-STORAGE-011', {
    name: quoteName(name),
    near: near === undefined ? '' : ` (did you mean ${near}?)`,
    known: known.join(', '),
  });
}

/**
 * The same configuration with another storage as the default one: what is done with it then goes
 * there. The one that was the default can still be named.
 * @throws HoldfastError HF-STORAGE-011
 */
export function withDefaultStorage(config: HoldfastConfig, name: string): HoldfastConfig {
  const storage = findStorage(config, name);
  const others = allStorages(config).filter((other) => other.name !== name);
  const storages = Object.fromEntries(others.map(({ name: key, ...rest }) => [key, rest]));
  return { ...config, storage, storages };
}
