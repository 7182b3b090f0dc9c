// An OpenID issuer that shares no line with ours. Usage: node server.mjs <port> <settings as JSON>
import { Provider } from "oidc-provider";

const port = Number(process.argv[2]);
const { clientId, clientSecret, authMethod, redirectUri, postLogoutRedirectUri } = JSON.parse(process.argv[3]);

const issuer = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: clientId,
      client_secret: clientSecret,
      token_endpoint_auth_method: authMethod,
      redirect_uris: [redirectUri],
      post_logout_redirect_uris: [postLogoutRedirectUri],
      response_types: ["code"],
      grant_types: ["authorization_code"],
    },
  ],
  clientAuthMethods: [authMethod],
  pkce: { required: () => true },
  scopes: ["openid", "email", "profile"],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "locale", "price_zone"] },
  cookies: { keys: ["a-cookie-key-of-the-test-issuer"] },
  async findAccount(_context, id) {
    const claims = { sub: id, email: `${id}@example.com`, email_verified: true, name: "Anna Lindqvist" };
    return { accountId: id, claims: async () => ({ ...claims, locale: "sv-SE", price_zone: "SE_3" }) };
  },
});

issuer.listen(port, "127.0.0.1", () => console.log("ready"));
