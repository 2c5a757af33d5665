export { backup } from './backup';
export { restore } from './restore';
export { verify } from './verify';
