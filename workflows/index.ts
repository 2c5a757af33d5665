export { backup } from './backup';
export { restore } from './restore';
export { restoreCollections } from './restore-collections';
export { verify } from './verify';
