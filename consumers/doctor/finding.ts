/** What a doctor has to say about one thing. */
export interface Finding {
  readonly area: 'kafka' | 'topic' | 'group' | 'clickhouse' | 'tables' | 'clocks' | 'rights';
  /** A stable name for programs, e.g. `topic.cleanup-policy`. */
  readonly check: string;
  /**
   * `fault`: workers would not start, or events could be lost. `warning`: it works, and could be better
   * or safer. `unknown`: it could not be asked.
   */
  readonly status: 'ok' | 'warning' | 'fault' | 'unknown';
  readonly message: string;
  /** How to mend it. */
  readonly mend?: string;
}

type Area = Finding['area'];

/** Makes findings of one area, each named `area.what`. */
export const about = (area: Area) => {
  const make =
    (status: Finding['status']) =>
    (what: string, message: string, mend?: string): Finding => ({
      area,
      check: `${area}.${what}`,
      status,
      message,
      ...(mend !== undefined && { mend }),
    });
  return {
    ok: make('ok'),
    warning: make('warning'),
    fault: make('fault'),
    unknown: make('unknown'),
  };
};
