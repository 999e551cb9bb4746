/** The end of a switch over the kinds of layers. */

/**
 * The error for a kind that a switch has no answer for. The type checker accepts the call only where none is left.
 * @param {never} step
 * @returns {never}
 */
export function unknownKind(step) {
  throw new Error(`unknown kind of layer: ${/** @type {{ kind: string }} */ (step).kind}`);
}
