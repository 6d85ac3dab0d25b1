"""An OAuth 2.0 authorization server and a resource server beside it, both of oauthlib:
oauthd.py CERTIFICATE KEY CLIENTS, where CLIENTS is JSON: {id: {secret, method, scopes}}. It prints its
port and serves until it is killed. POST /token, POST /hook (with a token), POST /revoke (all tokens)."""

import base64
import http.server
import json
import ssl
import sys
import threading
import urllib.parse

from oauthlib.oauth2 import BackendApplicationServer, BearerToken, RequestValidator, ResourceEndpoint

clients = json.load(open(sys.argv[3]))
tokens, lock = {}, threading.Lock()


class Client:
    def __init__(self, id):
        self.client_id = id


class Validator(RequestValidator):
    def authenticate_client(self, request, *args, **kwargs):
        scheme, _, rest = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic":
            id, _, secret = base64.b64decode(rest).decode("ascii").partition(":")
            method = "basic_plain"
            if clients.get(id, {}).get("method") != method:
                method, id, secret = "", urllib.parse.unquote_plus(id), urllib.parse.unquote_plus(secret)
        else:
            method, id, secret = "post", request.client_id, request.client_secret
        known = clients.get(id)
        if not known or known["secret"] != secret or known["method"] != method:
            return False
        request.client = Client(id)
        return True

    def validate_grant_type(self, client_id, grant_type, client, request, *args, **kwargs):
        return grant_type == "client_credentials"

    def get_default_scopes(self, client_id, request, *args, **kwargs):
        return []

    def validate_scopes(self, client_id, scopes, client, request, *args, **kwargs):
        return set(scopes) <= set(clients[client_id]["scopes"])

    def save_bearer_token(self, token, request, *args, **kwargs):
        with lock:
            tokens[token["access_token"]] = token["scope"].split()

    def validate_bearer_token(self, token, scopes, request):
        with lock:
            return token in tokens


validator = Validator()
issuer = BackendApplicationServer(validator)
resource = ResourceEndpoint("Bearer", {"Bearer": BearerToken(validator)})


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode("utf-8")
        headers, text, status = {}, "", 200
        if self.path == "/token":
            headers, text, status = issuer.create_token_response("https://localhost" + self.path, "POST", body, dict(self.headers))
        elif self.path == "/revoke":
            with lock:
                tokens.clear()
        else:
            ok, _ = resource.verify_request("https://localhost" + self.path, "POST", None, dict(self.headers), [])
            status = 200 if ok else 401
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
