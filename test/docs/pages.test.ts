import { existsSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createActivities } from '../../activities/create-activities';
import { commands } from '../../client/cli/commands';
import { loadConfig } from '../../config/load';
import { unlimited } from '../../core/byte-budget';
import { bareEnvironment, Temporary } from '../config/temporary';

const root = join(__dirname, '../..');

async function pages(): Promise<string[]> {
  const docs = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
  return ['CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)];
}

const read = (page: string): Promise<string> => readFile(join(root, page), 'utf8');

/** The anchors GitHub gives a page's headings. */
function anchors(markdown: string): Set<string> {
  const headings = markdown.matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('the pages of the documentation', () => {
  it('link to files and headings that are there', async () => {
    const broken: string[] = [];
    for (const page of await pages()) {
      for (const [, target = ''] of (await read(page)).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        const there = existsSync(join(root, file));
        const found = there && (anchor === undefined || anchors(await read(file)).has(anchor));
        if (!found) broken.push(`${page}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it('name files that are there', async () => {
    const missing: string[] = [];
    const rooms = '(?:core|client|storage|tools|test|workflows|examples)';
    for (const page of await pages()) {
      const named = (await read(page)).matchAll(new RegExp(`\`(${rooms}/[\\w./-]+)\``, 'g'));
      for (const [, path = ''] of named) {
        if (!existsSync(join(root, path))) missing.push(`${page}: ${path}`);
      }
    }
    expect(missing).toEqual([]);
  });
});

describe('the pictures', () => {
  it('that README and the pages show are there, and no others', async () => {
    const shown: string[] = [];
    for (const page of ['README.md', ...(await pages())]) {
      for (const [, path = ''] of (await read(page)).matchAll(/!\[[^\]]+\]\(([^)]+)\)/g)) {
        shown.push(join(dirname(page), path));
      }
    }
    const there = (await readdir(join(root, 'docs/images'))).map((name) => `docs/images/${name}`);
    expect(there.length).toBeGreaterThanOrEqual(3);
    expect([...new Set(shown)].toSorted()).toEqual(there.toSorted());
  });

  it('are PNG files of under 200 KB that say nothing but what they show', async () => {
    for (const name of await readdir(join(root, 'docs/images'))) {
      const png = await readFile(join(root, 'docs/images', name));
      expect(png.subarray(1, 4).toString()).toBe('PNG');
      expect(png.length).toBeLessThan(200_000);
      expect(png.toString('latin1')).not.toMatch(/tEXt|iTXt|zTXt|eXIf/);
    }
  });
});

describe('docs/design.md', () => {
  it('names every step of the workflows', async () => {
    const temporary = await Temporary.create();
    try {
      const environment = bareEnvironment();
      const file = await temporary.write('holdfast.yaml', 'storage: {type: file, path: /x}');
      const { config } = await loadConfig({ file, environment });
      const pace = { read: unlimited, write: unlimited };
      const openStorage = (name: string): never => {
        throw new Error(`storage ${name} is not opened here`);
      };
      const steps = Object.keys(createActivities({ config, environment, pace, openStorage }));
      const page = await read('docs/design.md');
      expect(steps.filter((step) => !page.includes(`\`${step}\``))).toEqual([]);
    } finally {
      await temporary.remove();
    }
  });

  it('names every command, and none of them as not built', async () => {
    const page = await read('docs/design.md');
    const [built = '', missing = ''] = page.split('## Not built yet');
    const list = /## Command line\n\n(.+?)\. One table/s.exec(built)?.[1] ?? '';
    const named = [...list.matchAll(/`([a-z ]+)`/g)].map(([, name]) => name);
    expect(named).toEqual(commands.map(({ name }) => name));
    const unbuilt = [...missing.matchAll(/^\| `([a-z]+)`/gm)].map(([, name]) => name);
    expect(commands.filter(({ name }) => unbuilt.includes(name))).toEqual([]);
  });
});
