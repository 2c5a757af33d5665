/** The contents of a page's fenced code blocks, each with the line break at its end. */
export function codeBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```\S*\n(.*?)^```$/gms)].map(([, content]) => content ?? '');
}
