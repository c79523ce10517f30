import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// The machine may be busy: a wait ends when the thing is there, and late enough when it never comes.
configure({ asyncUtilTimeout: 8000 });

vi.mock("@/api/bindings.gen", () => import("@dev/fake"));
vi.mock("@tauri-apps/plugin-dialog", () => ({ open: vi.fn(async () => "/media/usb/file"), save: vi.fn(async (o: { defaultPath: string }) => `/media/usb/${o.defaultPath}`) }));

// What jsdom lacks and the kit asks for.
window.matchMedia = (query: string) =>
  ({ matches: false, media: query, onchange: null, addEventListener: () => {}, removeEventListener: () => {}, addListener: () => {}, removeListener: () => {}, dispatchEvent: () => false }) as MediaQueryList;
window.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Element.prototype.scrollIntoView = () => {};
window.scrollTo = () => {};
window.print = () => {};
Object.defineProperty(document, "fonts", { configurable: true, value: { addEventListener: () => {}, removeEventListener: () => {} } });
HTMLMediaElement.prototype.play = async () => {};
HTMLMediaElement.prototype.pause = () => {};
URL.createObjectURL = () => "blob:made-up";
URL.revokeObjectURL = () => {};

afterEach(() => cleanup());
