export function Today() {
  return <h1>{"…"}</h1>;
}
