/**
 * Settings of Node for a worker's process: a small young generation, so that buffers of megabytes
 * that nothing refers to any more are found soon. (V8 counts their memory, but only looks for them
 * when the small objects that hold them fill the generation.)
 */
export const memoryArguments: readonly string[] = ['--max-semi-space-size=2'];

/**
 * Settings of glibc's malloc for a worker's process, with which freed buffers go back to the system
 * at once: a worker lives for months, and would else keep the memory of its largest dump. Other C
 * libraries don't know them.
 */
export const memoryVariables: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
