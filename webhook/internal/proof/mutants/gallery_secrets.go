package main

// secretBugs are in the validity of secrets.
var secretBugs = []mutation{
	{"a signer in use outlives its secret", "webhook/prepared.go",
		"got != nil && got.valid(now) && got.given.same(w)", "got != nil && got.given.same(w)",
		"./webhook -run TestOverlapEndsOnItsOwn"},
	{"a rotation within a rotation ends the secret in use", "webhook/secret_rotate.go",
		"	case !until.IsZero():\n", "	case false:\n",
		"./webhook -run TestRotateSecret$"},
	{"a Store that drops the end of a secret is believed", "webhook/secret_rotate.go",
		"slices.EqualFunc(w.Secrets, got.Secrets, sameSecret)", "slices.EqualFunc(w.Secrets, got.Secrets, Secret.Equal)",
		"./webhook -run TestStoreThatDropsTheEnd"},
	{"an overlap is pretended where one credential is sent", "webhook/secret_rotate.go",
		"two >= one+minProof", "two >= one",
		"./webhook -run TestRotateSecretRefuses"},
	{"the newest secret may end", "webhook/secret_life.go",
		"if i == 0 && !s.ExpiresAt().IsZero() {", "if false {",
		"./webhook -run TestEditKeepsLives|TestRevokeSecret"},
	{"a secret that was typed ends the one before", "webhook/settings/form.go",
		"return []webhook.RotateOption{webhook.DefaultRotation()}", "return nil",
		"./webhook/settings -run TestEdit_rotates"},
	{"a private key is published", "webhook/sign/jwks.go",
		"text, ok := strings.CutPrefix(text, v1aPublic)\n	if !ok {", "text, ok := strings.CutPrefix(text, text[:min(5, len(text))])\n	if !ok {",
		"./webhook/sign -run TestJWKS$"},
}
