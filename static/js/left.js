/* Where this page stands a session has ended, or is locked: the other tabs hear of it (again.js). */

localStorage.setItem("soc.left", String(Date.now()));
// Nobody touches a page of the session (idle.js) before it is open again: this page then leads on.
addEventListener("storage", ({ key }) => key === "soc.touched" && location.replace(location.href));
