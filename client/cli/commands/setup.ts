import type { CommandSpec } from '../command-spec';
import { inStorage } from './shared';

/** The configuration and the shell. */
export const setupCommands: readonly CommandSpec[] = [
  {
    name: 'config check',
    summary: 'check the configuration',
    description:
      'Reports every problem of the configuration at once, each with its line; tries whether this host can read its secrets, without showing them.',
    arguments: [],
    options: [],
    examples: ['holdfast config check'],
    load: async () => (await import('../config.js')).configCheck,
  },
  {
    name: 'config show',
    summary: 'show every setting and where it comes from',
    description:
      'Shows the configuration in force: every setting, with --origin also the line, variable or default it comes from. No secret is shown.',
    arguments: [],
    options: [{ name: 'origin', description: 'also where each setting comes from' }],
    examples: ['holdfast config show --origin', 'holdfast config show --json'],
    load: async () => (await import('../config.js')).configShow,
  },
  {
    name: 'doctor',
    summary: 'prove that the storage does what it must',
    description:
      'Proves on the storage itself, with a backup of its own that is removed again, that it can be reached, written, read, listed and cleared, that of two writers at once one wins (by If-None-Match, or by marker objects where a service has none), that its clock is right and that its volume has space. Exit status 14 where something is refused, 3 where something should be looked at. Needs no Temporal.',
    arguments: [],
    options: [inStorage],
    examples: [
      'holdfast doctor --storage offsite',
      'holdfast doctor --json | jq \'.checks[] | select(.verdict != "pass")\'',
    ],
    load: async () => (await import('../doctor.js')).doctor,
  },
  {
    name: 'completion',
    summary: 'print the completion script of a shell',
    description:
      'Prints a script that lets a shell complete commands, options, backup ids and run ids.',
    arguments: [
      {
        name: 'SHELL',
        required: true,
        description: 'bash, zsh or fish',
        known: ['bash', 'zsh', 'fish'],
      },
    ],
    options: [],
    examples: [
      'source <(holdfast completion bash)',
      'holdfast completion fish > ~/.config/fish/completions/holdfast.fish',
    ],
    load: async () => (await import('../completion.js')).completion,
  },
];
