/** What clients, workflows and activities tell each other, by its operation. */
export type * from './messages/placement';
export type * from './messages/backup';
export type * from './messages/restore';
export type * from './messages/restore-collections';
export type * from './messages/verify';
export type * from './messages/verify-all';
export type * from './messages/prune';
export type * from './messages/copy';
export type * from './messages/status';
export { messageNames } from './messages/updates';
export type { CancelAnswer, CancelRequest, Confirmation } from './messages/updates';
