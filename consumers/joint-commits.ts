/**
 * Commits of several partitions leave in one request: whatever becomes due while one is on its way goes with
 * the next. A broker answers one request of a connection after the other, heartbeats among them. With
 * a request for each partition a slow coordinator would let a member wait for as many commits as it has
 * partitions, and sooner or later give its session up.
 */
interface Waiting<Session, Commit> {
  readonly session: Session;
  readonly commit: Commit;
  /** Throws when the commit must no longer be made. */
  readonly check: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class JointCommits<Session, Commit> {
  readonly #send: (session: Session, take: () => Commit[]) => Promise<void>;
  #waiting: Waiting<Session, Commit>[] = [];
  #sending = false;

  /**
   * @param send makes one request of what `take` gives it, which it calls once, in the tick in which the
   *   request is handed over; `take` throws when nothing is left to be committed
   */
  constructor(send: (session: Session, take: () => Commit[]) => Promise<void>) {
    this.#send = send;
  }

  /** Rejects with what `check` throws, or with what became of the request. */
  commit(session: Session, commit: Commit, check: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ session, commit, check, resolve, reject });
      if (!this.#sending) void this.#sendAll();
    });
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0])
      await this.#sendOf(next.session);
    this.#sending = false;
  }

  async #sendOf(session: Session): Promise<void> {
    let sent: Waiting<Session, Commit>[] | undefined;
    try {
      await this.#send(session, () => {
        sent = this.#remove(session).filter(passes);
        if (sent.length === 0) throw new Error('nothing is left to be committed');
        return sent.map(({ commit }) => commit);
      });
      for (const { resolve } of sent ?? []) resolve();
    } catch (error) {
      for (const { reject } of sent ?? this.#remove(session)) reject(error);
    }
  }

  #remove(session: Session): Waiting<Session, Commit>[] {
    const removed = this.#waiting.filter((one) => one.session === session);
    this.#waiting = this.#waiting.filter((one) => one.session !== session);
    return removed;
  }
}

function passes({ check, reject }: Waiting<unknown, unknown>): boolean {
  try {
    check();
    return true;
  } catch (error) {
    reject(error);
    return false;
  }
}
