// Package e2e drives the example application with a real browser, like a person: see TestStory. It
// is a separate module, so that no host depends on Chromium (Debian's package chromium), axe-core
// (npm ci in this folder) and chromedp.
package e2e
