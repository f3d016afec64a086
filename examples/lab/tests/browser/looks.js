// What is wrong with a page for somebody who sees little, uses a keyboard, or has a small screen.
(() => {
  const problems = [];
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const [lr, lg, lb] = [r, g, b].map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };

  // Contrast, WCAG 2.2, 1.4.3 (AA).
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest(".hidden, .skip, noscript, script")) continue;
    const style = getComputedStyle(element);
    const [one, other] = [luminance(channels(style.color)), luminance(ground(element))];
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    const size = parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) problems.push(`contrast ${ratio.toFixed(2)}: ${texts.currentNode.data.trim()}`);
  }

  // Names of what can be used, WCAG 2.2, 4.1.2.
  for (const field of document.querySelectorAll("input:not([type=hidden], [hidden]), textarea, select")) {
    if (!field.labels.length) problems.push(`no label: ${field.name}`);
  }
  for (const control of document.querySelectorAll("button, a, meter, [role=region]")) {
    if (!control.textContent.trim() && !control.ariaLabel) problems.push(`no name: ${control.outerHTML}`);
  }

  // Landmarks, and one heading of the first level.
  for (const landmark of ["header", "nav[aria-label]", "main", "footer", "h1", "[aria-live=polite]"]) {
    const count = document.querySelectorAll(`body ${landmark}`).length;
    if (count !== 1) problems.push(`${count} × ${landmark}`);
  }
  if (!document.documentElement.lang) problems.push("no language");

  // Nothing beyond the edge, and what fingers press is large enough (WCAG 2.2, 2.5.8).
  if (document.documentElement.scrollWidth > innerWidth) {
    problems.push(`${document.documentElement.scrollWidth} pixels wide`);
  }
  for (const button of document.querySelectorAll("button, .button, nav a")) {
    const box = button.getBoundingClientRect();
    if (box.height < 24 || box.width < 24) problems.push(`small: ${button.textContent}`);
  }
  return problems;
})()
