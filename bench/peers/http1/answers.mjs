// What every server answers, so that all do the same work.
//
// | request | answer |
// | --- | --- |
// | GET / | TEXT as text/plain |
// | GET /json | DOCUMENT, serialized for each request, as application/json |
// | POST /upload | the body is collected whole; its length as text/plain |
// | GET /big | BIG, the same bytes each time, as application/octet-stream |

export const TEXT = 'Hello, World!';

/** Serialized, 4 096 bytes. */
export const DOCUMENT = {
  title: 'catalogue '.repeat(7),
  items: Array.from({ length: 42 }, (_, i) => ({
    id: 100_000 + i,
    name: `item number ${String(i).padStart(3, '0')}`,
    price: 1_999 + i / 100,
    active: i % 2 === 0,
    tags: ['first', 'second'],
  })),
};

export const UPLOAD_BYTES = 65_536;

export const BIG = Buffer.alloc(1 << 20, 'millrace');
