export { backup } from './backup';
export { prune } from './prune';
export { restore } from './restore';
export { restoreCollections } from './restore-collections';
export { verify } from './verify';
