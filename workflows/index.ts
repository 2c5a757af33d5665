export { backup } from './backup';
export { copy } from './copy';
export { prune } from './prune';
export { restore } from './restore';
export { restoreCollections } from './restore-collections';
export { verify } from './verify';
export { verifyAll } from './verify-all';
