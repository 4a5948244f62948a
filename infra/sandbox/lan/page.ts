/** The page behind the sandbox's Services: what nginx would show, and who answered. */
export function pageOf(answer: {
  node: string
  service: string
  pod: string
  client: string
}): string {
  return `<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>Service ${answer.service}, answered by node ${answer.node}, pod ${answer.pod}, to ${answer.client}.</p>
<p><em>Thank you for using nginx.</em></p>
</body>
</html>
`
}
