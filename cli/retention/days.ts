import { UsageError } from '../failure.ts';

/** `standard=30` and the like as days by class. @throws UsageError naming what is not of that form */
export function classesOf(given: readonly string[]): Record<string, number> {
  const classes: Record<string, number> = {};
  for (const one of given) {
    const [, name, days] = /^([a-z][a-z0-9_]{0,62})=(\d{1,6})$/.exec(one) ?? [];
    if (name === undefined || days === undefined) {
      throw new UsageError(
        `"${one}" is not of the form class=days.`,
        'Write standard=30: a class in lower case letters, digits and underscores, and whole days.',
      );
    }
    if (Object.hasOwn(classes, name)) {
      throw new UsageError(`The class ${name} is given twice.`, 'Give each class once.');
    }
    classes[name] = Number(days);
  }
  return classes;
}
