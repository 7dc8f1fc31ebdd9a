const page = document.getElementById("page");
const problem = document.getElementById("problem");

try {
  const { default: start } = await import("./page.js");
  await start();
} catch (error) {
  page.dataset.state = "failed";
  problem.textContent =
    "This page could not start. Nothing was signed out. Reload it, or use a newer browser.";
  throw error;
}
