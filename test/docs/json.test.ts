import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { documentSchemas, lineSchemas } from '../../client/json-schema';
import { codeBlocks } from './code-blocks';

const page = readFileSync(join(__dirname, '../../docs/json.md'), 'utf8');
const schemas = { ...lineSchemas, ...documentSchemas };

/** The examples below each heading of the third level. */
const examples = page
  .split(/^### /m)
  .slice(1)
  .map((part) => [part.split('\n')[0] ?? '', codeBlocks(part)] as const);

describe('docs/json.md', () => {
  it('has a chapter for each line and document, and no other', () => {
    expect(examples.map(([name]) => name).toSorted()).toEqual(Object.keys(schemas).toSorted());
  });

  it.each(examples)('shows %s as its schema wants it', (name, blocks) => {
    const schema = Object.entries(schemas).find(([key]) => key === name)?.[1];
    expect(blocks.length).toBeGreaterThan(0);
    for (const block of blocks) schema?.parse(JSON.parse(block));
  });
});
