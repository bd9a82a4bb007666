import { Component, type ComponentClass, type FunctionComponent, createElement } from 'preact';

/** A component that is rendered again only if a property has changed. */
export function memo<P extends object>(draw: FunctionComponent<P>): ComponentClass<P> {
  return class extends Component<P> {
    override shouldComponentUpdate(next: Readonly<P>): boolean {
      const [old, changed] = [this.props as Record<string, unknown>, next as Record<string, unknown>];
      return Object.keys({ ...old, ...changed }).some((key) => old[key] !== changed[key]);
    }

    override render() {
      return createElement(draw, this.props as P);
    }
  };
}
