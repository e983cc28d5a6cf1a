import { crc32c } from '@node-rs/crc32'

/** CRC-32C of `bytes` as an unsigned number. The only file that imports @node-rs/crc32. */
export const checksum = (bytes: Uint8Array): number => crc32c(bytes)
