-- SPDX-License-Identifier: GPL-3.0-or-later
-- What people send, for wrk: pages, searches, forms, JSON, with cookies and long headers.
local browser = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
local common = {
  ["User-Agent"] = browser,
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "de,en-US;q=0.7,en;q=0.3",
  ["Accept-Encoding"] = "gzip, deflate",
  ["Cookie"] = "session=0123456789abcdef; theme=dark; seen=a%20b",
  ["Referer"] = "http://shop.test/list?page=2&sort=price",
}
local wanted = {}

local function add(method, path, kind, body)
  local headers = {}
  for name, value in pairs(common) do
    headers[name] = value
  end
  headers["Content-Type"] = kind
  wanted[#wanted + 1] = wrk.format(method, path, headers, body)
end

local form = "application/x-www-form-urlencoded"

function init()
  add("GET", "/")
  add("GET", "/hello")
  add("GET", "/search?q=tea+cups&page=2&sort=price")
  add("GET", "/search?q=O%27Brien+%26+sons")
  add("GET", "/search?q=1+%2B+1+%3D+2")
  add("GET", "/people/Ren%C3%A9e%20M%C3%BCller?from=2024-01-01&to=2024-12-31")
  add("GET", "/static/css/site.min.css?v=3.14.15")
  add("GET", "/api/v1/items/42?fields=id,name,price")
  add("POST", "/login", form, "user=alice&password=correct%20horse%20battery%20staple")
  add("POST", "/comment", form, "text=I%20can%27t%20select%20one%20from%20the%20two%3B%20both%20are%20fine%21&stars=5")
  add("POST", "/api/orders", "application/json",
    '{"items":[{"id":1,"n":2},{"id":7,"n":1}],"note":"Leave it at O\'Hara\'s, please","gift":false}')
  add("PUT", "/api/orders/1", "application/json", '{"state":"paid","at":"2024-05-01T12:00:00Z"}')
  add("DELETE", "/api/orders/1")
  add("OPTIONS", "/api/orders")
end

local at = 0
function request()
  at = at % #wanted + 1
  return wanted[at]
end
