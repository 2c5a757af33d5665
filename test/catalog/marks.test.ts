import { isPinned, lastVerified } from '../../catalog/marks';

const files = (...names: string[]) => names.map((name) => ({ name }));

test('a backup is pinned when it was pinned more often than unpinned', () => {
  expect(isPinned(files('MANIFEST', 'INDEX'))).toBe(false);
  expect(isPinned(files('MANIFEST', 'PIN.1'))).toBe(true);
  expect(isPinned(files('MANIFEST', 'PIN.1', 'PIN.2'))).toBe(false);
  expect(isPinned(files('PIN.1', 'PIN.10', 'PIN.11', 'PIN.2', 'PIN.x'))).toBe(true);
});

test('the last verification counts, and of two in one second the one that found damage', () => {
  const sound = 'VERIFIED.1767323049.sound';
  expect(lastVerified(files('MANIFEST'))).toBeUndefined();
  expect(lastVerified(files(sound))).toEqual({ at: 1_767_323_049_000, sound: true });
  expect(lastVerified(files('VERIFIED.1767323049.damaged', sound))?.sound).toBe(false);
  expect(lastVerified(files('VERIFIED.1767323048.damaged', sound))?.sound).toBe(true);
  expect(lastVerified(files(sound, 'VERIFIED.1767323050.damaged'))?.sound).toBe(false);
});
