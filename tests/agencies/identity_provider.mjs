/* A certified OpenID provider with its development sign-in page: whoever gives a name is that person.
   Usage: node identity_provider.mjs PORT CALLBACK; prints a line when it listens. */

import Provider from "oidc-provider";

const [port, callback] = process.argv.slice(2);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: "soc", client_secret: "a secret of the test", redirect_uris: [callback] }],
  claims: { openid: ["sub"], profile: ["preferred_username"], email: ["email"] },
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({ sub: `subject of ${id}`, preferred_username: id }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
