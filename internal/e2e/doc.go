// Package e2e drives the example application with a real browser, as a person would: see
// TestStory. It is a module of its own, so that no host ever sees what it needs: Chromium
// (Debian's package chromium), axe-core (npm ci in this folder), and chromedp.
package e2e
