/** Where the keyboard stands after something came or went. */
import { type RefObject, useEffect, useRef } from "react";

/** The element that gets the focus whenever `what` is another: the top of a page of its own. */
export function useFocusOn<E extends HTMLElement>(what: unknown): RefObject<E | null> {
  const element = useRef<E>(null);
  useEffect(() => element.current?.focus(), [what]);
  return element;
}

/** For dialogs that are there only while they are open: what had the focus before gets it back, or the work area when that is gone. */
export function useReturnFocus() {
  const before = useRef<Element | null>(document.activeElement);
  useEffect(() => {
    const opener = before.current;
    return () => {
      if (document.activeElement && document.activeElement !== document.body) return;
      const to = opener?.isConnected && opener !== document.body ? opener : document.querySelector("main");
      if (to instanceof HTMLElement) to.focus({ preventScroll: true });
    };
  }, []);
}
