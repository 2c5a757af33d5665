/** Where the benchmark's file is stored. */
export const transfer = { directory: 'bench', name: 'b', file: 'archive' } as const;
