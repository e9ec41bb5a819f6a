/* Where this page stands a session has ended, or is locked: the other tabs hear of it (again.js). */

localStorage.setItem("soc.left", String(Date.now()));
