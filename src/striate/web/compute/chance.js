/** Random numbers that Python draws alike: the twin of striate/exercises/chance.py. */

export class Chance {
  /**
   * @param {number} seed
   * @param {number} number of the exercise
   */
  constructor(seed, number) {
    this.state = (Math.imul(seed, 0x9e3779b1) + Math.imul(number, 0x85ebca77)) | 0;
    this.below(2);
  }

  /** A number from 0 to limit - 1. @param {number} limit */
  below(limit) {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) * limit) / 2 ** 32);
  }

  /**
   * One of the items.
   * @template T
   * @param {readonly T[]} items
   * @returns {T}
   */
  oneOf(items) {
    return items[this.below(items.length)];
  }
}
