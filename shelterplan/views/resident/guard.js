/* Browsers that can are told to refuse all HTML and script addresses made by scripts, but these. */
const KNOWN = ['', '<svg/>', '<span aria-hidden="true">+</span>', '<span aria-hidden="true">&#x2212;</span>'];
if (window.trustedTypes && trustedTypes.createPolicy) {
  trustedTypes.createPolicy('default', {
    createHTML: text => KNOWN.includes(text) || /^\d+ k?m$/.test(text) ? text : null,
    createScriptURL: text => /^[^/:?#]+\.sw\.js$/.test(text) ? text : null,
  });
}
