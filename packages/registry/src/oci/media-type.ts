import { OciError, quote } from './error.ts';

/** Media types that the registry itself reads or writes. All others are kept as they are. */
export const mediaTypes = {
  imageManifest: 'application/vnd.oci.image.manifest.v1+json',
  imageIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerManifestList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerSchema1: 'application/vnd.docker.distribution.manifest.v1+json',
  dockerSchema1Signed: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
  octetStream: 'application/octet-stream',
} as const;

/** RFC 6838, section 4.2: the characters of a type's two halves. */
const pattern = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}$/i;

/** The media type of a Content-Type header without its parameters; undefined where there is none; else `MANIFEST_INVALID`. */
export function parseContentType(header: string | undefined): string | undefined {
  if (header === undefined || header.trim() === '') return undefined;
  const [type = ''] = header.split(';', 1);
  const mediaType = type.trim();
  if (!isMediaType(mediaType)) throw new OciError('MANIFEST_INVALID', `${quote(header)} is not a Content-Type.`);
  return mediaType;
}

/** Whether `text` is a media type without parameters. */
export function isMediaType(text: string): boolean {
  return pattern.test(text);
}
