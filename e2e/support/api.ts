import { randomUUID } from "node:crypto";

export interface NewProduct {
  title: string;
  handle: string;
  /** In minor units of the shop's currency. */
  price: number;
  stock: number;
}

/** The parts of the shop's HTTP API by which tests arrange what they need. */
export class Api {
  constructor(
    readonly url: string,
    private readonly token: string,
  ) {}

  private async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const answer = await fetch(this.url + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        "content-type": "application/json",
        "idempotency-key": randomUUID(),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return { body: text === "" ? undefined : JSON.parse(text), etag: answer.headers.get("etag") };
  }

  /** Makes a product of one variant, whose SKU is the handle in capitals; answers its id. */
  async createProduct({ title, handle, price, stock }: NewProduct): Promise<string> {
    const { body } = await this.send("POST", "/api/admin/v1/products", {
      title,
      handle,
      category: ["Home & Living", "Lighting"],
      description_html: "<p>Made for a test.</p>",
      variants: [{ sku: handle.toUpperCase(), price: { amount: price, currency: "USD" }, stock }],
    });
    return body.id;
  }

  async updateProduct(id: string, change: object): Promise<void> {
    const path = `/api/admin/v1/products/${id}`;
    const { etag } = await this.send("GET", path);
    await this.send("PATCH", path, change, etag ? { "if-match": etag } : {});
  }

  async setPrice(id: string, handle: string, amount: number): Promise<void> {
    const sku = handle.toUpperCase();
    await this.updateProduct(id, { variants: [{ sku, price: { amount, currency: "USD" } }] });
  }

  async setStock(handle: string, onHand: number): Promise<void> {
    const path = `/api/admin/v1/stock/${handle.toUpperCase()}`;
    await this.send("PUT", path, { location: "default", on_hand: onHand });
  }

  /** Orders pieces of products as a program would. */
  async order(email: string, lines: [handle: string, quantity: number][]) {
    const { body: cart } = await this.send("POST", "/api/v1/carts", {});
    for (const [handle, quantity] of lines) {
      await this.send("POST", `/api/v1/carts/${cart.id}/lines`, { sku: handle.toUpperCase(), quantity });
    }
    const address = {
      name: "Ada Byron",
      line1: "12 Analytical Row",
      city: "Portland",
      region: "OR",
      postal_code: "97201",
      country: "US",
    };
    await this.send("PATCH", `/api/v1/carts/${cart.id}`, {
      email,
      shipping_address: address,
      shipping_method: "standard",
    });
    const payment = { provider: "test", token: "tok_ok" };
    const { body } = await this.send("POST", `/api/v1/carts/${cart.id}/complete`, { payment });
    return body;
  }
}
