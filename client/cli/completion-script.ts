import type { CommandSpec, OptionSpec } from './command-spec';

/** Shells that a completion can be written for. */
export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** Something that can be typed next. */
interface Choice {
  readonly word: string;
  readonly about: string;
}

/** What the scripts are made of: everything by the command typed so far, '' for none yet. */
interface Tables {
  /** Words that go on from a command: subcommands of the group, or values of its argument. */
  readonly words: ReadonlyMap<string, readonly Choice[]>;
  readonly options: ReadonlyMap<string, readonly Choice[]>;
  /** Commands whose argument `holdfast list` or `holdfast jobs` knows. */
  readonly asked: ReadonlyMap<string, 'list' | 'jobs'>;
  /** Those of them whose argument may be given more than once. */
  readonly repeated: readonly string[];
  /** Options with a value: of these files are completed, or these words. */
  readonly files: readonly string[];
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** The completion script of a shell, made of the command table. */
export function completionScript(
  shell: Shell,
  table: readonly CommandSpec[],
  groups: Readonly<Record<string, string>>,
  globals: readonly OptionSpec[],
): string {
  const tables = tablesOf(table, groups, globals);
  switch (shell) {
    case 'bash':
      return bashScript(tables);
    case 'zsh':
      return zshScript(tables);
    case 'fish':
      return fishScript(tables);
    default:
      throw new TypeError(`shell ${String(shell satisfies never)}`);
  }
}

function tablesOf(
  table: readonly CommandSpec[],
  groups: Readonly<Record<string, string>>,
  globals: readonly OptionSpec[],
): Tables {
  const words = new Map<string, Choice[]>([['', []]]);
  const options = new Map<string, Choice[]>();
  const asked = new Map<string, 'list' | 'jobs'>();
  const help = { word: '--help', about: 'show help' };
  const choices = (of: readonly OptionSpec[]): Choice[] => [
    ...of.map(({ name, description }) => ({ word: `--${name}`, about: description })),
    help,
  ];
  options.set('', choices(globals));
  for (const { name, summary, arguments: args, options: own } of table) {
    const [first = '', second] = name.split(' ');
    const top = words.get('') ?? [];
    if (!top.some(({ word }) => word === first)) {
      top.push({ word: first, about: second === undefined ? summary : (groups[first] ?? '') });
    }
    if (second !== undefined) {
      words.set(first, [...(words.get(first) ?? []), { word: second, about: summary }]);
      options.set(first, choices(globals));
    }
    options.set(name, choices([...own, ...globals]));
    const known = args[0]?.known;
    if (known === 'list' || known === 'jobs') asked.set(name, known);
    else if (known !== undefined)
      words.set(
        name,
        known.map((word) => ({ word, about: '' })),
      );
  }
  const valued = [...globals, ...table.flatMap((spec) => spec.options)].flatMap(
    ({ name, value }) => (value === undefined ? [] : [[`--${name}`, value] as const]),
  );
  const files = valued.filter(([, value]) => /^(FILE|DIRECTORY|PATH)$/.test(value));
  const values = valued.map(
    ([name, value]) => [name, value.includes('|') ? value.split('|') : []] as const,
  );
  const repeated = table
    .filter((spec) => spec.arguments.at(-1)?.repeatable === true)
    .map(({ name }) => name);
  return {
    words,
    options,
    asked,
    repeated,
    files: files.map(([name]) => name),
    values: new Map(values),
  };
}

/** Words of a line up to the cursor, minus options and their values, as far as they name a command. */
function commandNames({ words, options }: Tables): string[] {
  return [...new Set([...words.keys(), ...options.keys()])].filter((name) => name !== '');
}

const single = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const listOf = (choices: readonly Choice[]): string => choices.map(({ word }) => word).join(' ');
const header = (shell: string): string =>
  `# ${shell} completion of holdfast, made by \`holdfast completion ${shell}\`.`;

/** The part that bash and zsh share: which command has been typed, with `next` as its words. */
function findCommand(tables: Tables, word: string, from: string, to: string): string[] {
  const names = commandNames(tables).map(single).join('|');
  return [
    `  for ((index = ${from}; index < ${to}; index++)); do`,
    `    word=${word}`,
    '    if [[ -n $skip ]]; then skip=; continue; fi',
    '    case $word in',
    `      ${[...tables.values.keys()].join('|')}) skip=1 ;;`,
    '      -*) ;;',
    '      *)',
    '        case "${command:+$command }$word" in',
    `          ${names}) command="\${command:+$command }$word" ;;`,
    '          *) given=1 ;;',
    '        esac ;;',
    '    esac',
    '  done',
  ];
}

/** Nothing more is offered once an argument is there, but where it may be given again. */
function enough({ repeated }: Tables): string[] {
  return [
    '  if [[ -n $given ]]; then',
    `    case $command in ${repeated.map(single).join('|')}) ;; *) return ;; esac`,
    '  fi',
  ];
}

function bashScript(tables: Tables): string {
  const words = '    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")';
  const lines = [
    header('bash'),
    '# To be read by ~/.bashrc: source <(holdfast completion bash)',
    '_holdfast() {',
    '  local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}',
    "  local command='' word skip='' given='' index",
    ...findCommand(tables, '${COMP_WORDS[index]}', '1', 'COMP_CWORD'),
    '  COMPREPLY=()',
    '  case $previous in',
    `    ${tables.files.join('|')})`,
    '      compopt -o filenames 2>/dev/null',
    '      mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;',
    ...[...tables.values]
      .filter(([name]) => !tables.files.includes(name))
      .map(
        ([name, values]) => `    ${name}) _holdfast_words ${single(values.join(' '))}; return ;;`,
      ),
    '  esac',
    '  if [[ $cur == -* ]]; then',
    '    case $command in',
    ...[...tables.options].map(
      ([name, options]) => `      ${single(name)}) _holdfast_words ${single(listOf(options))} ;;`,
    ),
    '    esac',
    '    return',
    '  fi',
    ...enough(tables),
    '  case $command in',
    ...[...tables.words].map(
      ([name, choices]) => `    ${single(name)}) _holdfast_words ${single(listOf(choices))} ;;`,
    ),
    ...[...tables.asked].map(
      ([name, source]) =>
        `    ${single(name)}) _holdfast_words "$(holdfast ${source} --quiet 2>/dev/null)" ;;`,
    ),
    '  esac',
    '}',
    '_holdfast_words() {',
    words,
    '}',
    'complete -F _holdfast holdfast',
  ];
  return `${lines.join('\n')}\n`;
}

function zshScript(tables: Tables): string {
  const described = (choices: readonly Choice[]): string =>
    choices
      .map(({ word, about }) => single(`${word}:${about.replaceAll(':', String.raw`\:`)}`))
      .join(' ');
  const lines = [
    '#compdef holdfast',
    header('zsh'),
    '# To be read by ~/.zshrc, after compinit: source <(holdfast completion zsh)',
    '_holdfast() {',
    '  local cur=$words[CURRENT] previous=$words[CURRENT-1]',
    "  local command='' word skip='' given=''",
    '  local -a found',
    '  integer index',
    ...findCommand(tables, '$words[index]', '2', 'CURRENT'),
    '  case $previous in',
    `    ${tables.files.join('|')}) _files; return ;;`,
    ...[...tables.values]
      .filter(([name]) => !tables.files.includes(name))
      .map(
        ([name, values]) => `    ${name}) compadd -- ${values.map(single).join(' ')}; return ;;`,
      ),
    '  esac',
    '  if [[ $cur == -* ]]; then',
    '    case $command in',
    ...[...tables.options].map(
      ([name, options]) => `      ${single(name)}) found=(${described(options)}) ;;`,
    ),
    '    esac',
    "    _describe -o 'option' found",
    '    return',
    '  fi',
    ...enough(tables),
    '  case $command in',
    ...[...tables.words].map(
      ([name, choices]) => `    ${single(name)}) found=(${described(choices)}) ;;`,
    ),
    ...[...tables.asked].map(
      ([name, source]) =>
        `    ${single(name)}) compadd -- \${(f)"$(holdfast ${source} --quiet 2>/dev/null)"}; return ;;`,
    ),
    '  esac',
    "  _describe 'command' found",
    '}',
    'compdef _holdfast holdfast',
  ];
  return `${lines.join('\n')}\n`;
}

function fishScript(tables: Tables): string {
  const fish = (text: string): string =>
    `'${text.replaceAll('\\', '\\\\').replaceAll("'", String.raw`\'`)}'`;
  const at = (name: string): string => `-n ${fish(`test (__holdfast_command) = ${fish(name)}`)}`;
  const about = (text: string): string => (text === '' ? '' : ` -d ${fish(text)}`);
  const lines = [
    header('fish'),
    '# To be kept as ~/.config/fish/completions/holdfast.fish',
    'function __holdfast_command',
    '  set -l command',
    '  set -l skip',
    '  for word in (commandline -opc)[2..-1]',
    '    if test -n "$skip"',
    '      set skip',
    '      continue',
    '    end',
    '    switch $word',
    `      case ${[...tables.values.keys()].join(' ')}`,
    '        set skip 1',
    "      case '-*'",
    "      case '*'",
    '        set -l next (string trim -- "$command $word")',
    `        if contains -- $next ${commandNames(tables).map(fish).join(' ')}`,
    '          set command $next',
    `        else if not contains -- "$command" ${tables.repeated.map(fish).join(' ')}`,
    "          set command '-'",
    '        end',
    '    end',
    '  end',
    '  echo "$command"',
    'end',
    'complete -c holdfast -f',
  ];
  for (const [name, choices] of tables.words) {
    for (const { word, about: text } of choices) {
      lines.push(`complete -c holdfast ${at(name)} -a ${fish(word)}${about(text)}`);
    }
  }
  for (const [name, source] of tables.asked) {
    lines.push(`complete -c holdfast ${at(name)} -a '(holdfast ${source} --quiet 2>/dev/null)'`);
  }
  for (const [name, options] of tables.options) {
    for (const { word, about: text } of options) {
      const values = tables.values.get(word);
      const file = tables.files.includes(word) ? ' -r -F' : values === undefined ? '' : ' -x';
      const words =
        values === undefined || values.length === 0 ? '' : ` -a ${fish(values.join(' '))}`;
      lines.push(
        `complete -c holdfast ${at(name)} -l ${word.slice(2)}${file}${words}${about(text)}`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}
