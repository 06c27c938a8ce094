// Calling again and again, as little as will do: not while the page is hidden, and less and less
// often while the service does not answer.

import { useEffect, useRef, useState } from "../vendor/preact.js";

const LONGEST_MS = 60_000;

// Returns what came last, the failure, and a way to call at once.
export function usePolled(load, everyMs, keys = []) {
  const [state, setState] = useState({ value: null, failure: null });
  const again = useRef(() => {});
  useEffect(() => {
    let isOver = false;
    let failures = 0;
    let timer;
    const run = async () => {
      clearTimeout(timer);
      try {
        const value = await load();
        failures = 0;
        if (!isOver) setState({ value, failure: null });
      } catch (failure) {
        failures += 1;
        if (!isOver) setState((former) => ({ ...former, failure }));
      }
      if (isOver) return;
      clearTimeout(timer);
      timer = setTimeout(next, Math.min(everyMs * 2 ** Math.min(failures, 6), LONGEST_MS));
    };
    const next = () => (document.hidden ? wait() : run());
    const wait = () => document.addEventListener("visibilitychange", next, { once: true });
    again.current = run;
    addEventListener("ragserve-key", run);
    run();
    return () => {
      isOver = true;
      clearTimeout(timer);
      removeEventListener("ragserve-key", run);
      document.removeEventListener("visibilitychange", next);
    };
  }, keys);
  return { ...state, again: () => again.current() };
}

// Loads once, and anew with another key.
export function useLoaded(load, keys = []) {
  const [state, setState] = useState({ value: null, failure: null, isLoading: true });
  const again = useRef(() => {});
  useEffect(() => {
    let latest = 0;
    const run = async () => {
      const mine = ++latest;
      setState((former) => ({ ...former, isLoading: true }));
      const next = await load().then(
        (value) => ({ value, failure: null, isLoading: false }),
        (failure) => ({ value: null, failure, isLoading: false }),
      );
      if (mine === latest) setState(next);
    };
    again.current = run;
    addEventListener("ragserve-key", run);
    run();
    return () => {
      latest = Infinity;
      removeEventListener("ragserve-key", run);
    };
  }, keys);
  return { ...state, again: () => again.current() };
}
