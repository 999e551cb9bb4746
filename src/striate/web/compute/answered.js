/** An error that was answered, with its three lines: what went wrong and where, what was expected, what to do. */
export class Answered extends Error {
  /** @param {{where?: string, what: string, expected?: string, remedy?: string}} error */
  constructor(error) {
    super([error.where ? `${error.where}: ${error.what}` : error.what, error.expected, error.remedy].filter(Boolean).join("\n"));
    this.error = error;
    this.lines = this.message.split("\n");
  }
}
