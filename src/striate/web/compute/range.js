/** The numbers that pixels of 0 and of 255 become: one for all channels, or one for each. */

/** The number of a channel. @type {(ends: number | number[], channel: number) => number} */
export const ofChannel = (ends, channel) => (Array.isArray(ends) ? ends[channel] : ends);
