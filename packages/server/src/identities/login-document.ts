/** What `/.well-known/moorage` says: where people of this registry log in with a device code (RFC 8628). */
export interface LoginDocument {
  readonly issuer: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}
