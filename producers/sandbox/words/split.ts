/** A list written as text with commas between. */
export const words = (text: string): readonly string[] => text.split(',').map((word) => word.trim())

/** A list written as one entry a line. */
export const lines = (text: string): readonly string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
