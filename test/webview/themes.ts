/** VS Code's default themes, as far as the page knows them: the values of its variables, and of code's colours. */
import type { SyntaxColors } from '../../webview/protocol.ts';

export interface Theme {
  /** Classes that VS Code gives the page's body. */
  classes: string;
  /** Without `--vscode-`. `sideBar-background` is what the page stands on. */
  variables: Record<string, string>;
  colors: SyntaxColors;
}

const FONTS = {
  'font-family': 'sans-serif',
  'font-size': '13px',
  'editor-font-family': "'DejaVu Sans Mono', monospace",
  'editor-font-size': '12px',
};

const darkCode = colors('#569CD6', '#CE9178', '#6A9955', '#B5CEA8', '#DCDCAA', '#4EC9B0', '#9CDCFE');
const lightCode = colors('#0000FF', '#A31515', '#008000', '#096D48', '#795E26', '#267F99', '#0070C1');

export const THEMES = {
  dark: {
    classes: 'vscode-dark',
    colors: darkCode,
    variables: {
      ...FONTS,
      ...{ foreground: '#CCCCCC', descriptionForeground: '#9D9D9D', 'sideBar-background': '#181818' },
      ...{ 'editor-background': '#1F1F1F', 'editor-foreground': '#CCCCCC', focusBorder: '#0078D4' },
      ...{ 'input-background': '#313131', 'input-foreground': '#CCCCCC', 'input-border': '#3C3C3C' },
      ...{ 'input-placeholderForeground': '#989898', 'icon-foreground': '#CCCCCC' },
      ...{ 'button-background': '#0078D4', 'button-foreground': '#FFFFFF', 'button-border': '#FFFFFF12' },
      ...{ 'button-hoverBackground': '#026EC1', 'button-secondaryBackground': '#313131' },
      ...{ 'button-secondaryForeground': '#CCCCCC', 'button-secondaryHoverBackground': '#3C3C3C' },
      ...{ 'textLink-foreground': '#4DAAFC', 'textPreformat-foreground': '#D0D0D0' },
      ...{ 'textPreformat-background': '#3C3C3C', 'textBlockQuote-background': '#2B2B2B' },
      ...{ 'textBlockQuote-border': '#616161', 'editorWidget-background': '#202020' },
      ...{ 'editorWidget-border': '#454545', 'editorWidget-foreground': '#CCCCCC', 'widget-border': '#313131' },
      ...{ 'toolbar-hoverBackground': '#5A5D5E50', 'progressBar-background': '#0078D4' },
      ...{ 'scrollbarSlider-background': '#79797966', 'editorError-foreground': '#F14C4C' },
      ...{ 'editorWarning-foreground': '#CCA700', 'editorSuggestWidget-background': '#202020' },
      ...{ 'editorSuggestWidget-border': '#454545', 'editorSuggestWidget-foreground': '#CCCCCC' },
      ...{ 'editorSuggestWidget-selectedBackground': '#04395E', 'editorSuggestWidget-selectedForeground': '#FFFFFF' },
      ...{ 'quickInput-background': '#222222', 'quickInput-foreground': '#CCCCCC', 'list-hoverBackground': '#2A2D2E' },
      ...{ 'widget-shadow': '#0000005C', 'panel-border': '#2B2B2B' },
    },
  },
  light: {
    classes: 'vscode-light',
    colors: lightCode,
    variables: {
      ...FONTS,
      ...{ foreground: '#3B3B3B', descriptionForeground: '#3B3B3B', 'sideBar-background': '#F8F8F8' },
      ...{ 'editor-background': '#FFFFFF', 'editor-foreground': '#3B3B3B', focusBorder: '#005FB8' },
      ...{ 'input-background': '#FFFFFF', 'input-foreground': '#3B3B3B', 'input-border': '#CECECE' },
      ...{ 'input-placeholderForeground': '#767676', 'icon-foreground': '#3B3B3B' },
      ...{ 'button-background': '#005FB8', 'button-foreground': '#FFFFFF', 'button-border': '#0000001A' },
      ...{ 'button-hoverBackground': '#0258A8', 'button-secondaryBackground': '#E5E5E5' },
      ...{ 'button-secondaryForeground': '#3B3B3B', 'button-secondaryHoverBackground': '#CCCCCC' },
      ...{ 'textLink-foreground': '#005FB8', 'textPreformat-foreground': '#3B3B3B' },
      ...{ 'textPreformat-background': '#0000001F', 'textBlockQuote-background': '#F8F8F8' },
      ...{ 'textBlockQuote-border': '#E5E5E5', 'editorWidget-background': '#F8F8F8' },
      ...{ 'editorWidget-border': '#C8C8C8', 'editorWidget-foreground': '#3B3B3B', 'widget-border': '#E5E5E5' },
      ...{ 'toolbar-hoverBackground': '#B8B8B850', 'progressBar-background': '#005FB8' },
      ...{ 'scrollbarSlider-background': '#64646466', 'editorError-foreground': '#E51400' },
      ...{ 'editorWarning-foreground': '#BF8803', 'editorSuggestWidget-background': '#F8F8F8' },
      ...{ 'editorSuggestWidget-border': '#C8C8C8', 'editorSuggestWidget-foreground': '#3B3B3B' },
      ...{ 'editorSuggestWidget-selectedBackground': '#E8E8E8', 'editorSuggestWidget-selectedForeground': '#000000' },
      ...{ 'quickInput-background': '#F8F8F8', 'quickInput-foreground': '#3B3B3B', 'list-hoverBackground': '#F2F2F2' },
      ...{ 'widget-shadow': '#00000029', 'panel-border': '#E5E5E5' },
    },
  },
  'high contrast': {
    classes: 'vscode-high-contrast',
    colors: darkCode,
    variables: {
      ...highContrast('#FFFFFF', '#000000', '#6FC3DF', '#F38518'),
      ...{ descriptionForeground: '#FFFFFFB3', 'textLink-foreground': '#21A6FF', 'button-background': '#000000' },
      ...{
        'button-foreground': '#FFFFFF',
        'textPreformat-foreground': '#000000',
        'editorWidget-background': '#0C141F',
      },
      ...{ 'textPreformat-background': '#FFFFFF', 'input-placeholderForeground': '#FFFFFFB3' },
      ...{ 'quickInput-background': '#0C141F', 'editorSuggestWidget-background': '#0C141F' },
    },
  },
  'high contrast light': {
    classes: 'vscode-high-contrast vscode-high-contrast-light',
    colors: lightCode,
    variables: {
      ...highContrast('#292929', '#FFFFFF', '#0F4A85', '#006BBD'),
      ...{ descriptionForeground: '#292929B3', 'textLink-foreground': '#0F4A85', 'button-background': '#0F4A85' },
      ...{
        'button-foreground': '#FFFFFF',
        'textPreformat-foreground': '#FFFFFF',
        'editorWidget-background': '#FFFFFF',
      },
      ...{ 'textPreformat-background': '#09345F', 'input-placeholderForeground': '#292929B3' },
      ...{ 'quickInput-background': '#FFFFFF', 'editorSuggestWidget-background': '#FFFFFF' },
    },
  },
} satisfies Record<string, Theme>;

export type ThemeName = keyof typeof THEMES;

/** Much has no colour of its own there. */
function highContrast(text: string, ground: string, border: string, active: string): Record<string, string> {
  return {
    ...FONTS,
    ...{ foreground: text, 'icon-foreground': text, 'input-foreground': text, 'editor-foreground': text },
    ...{ 'editorWidget-foreground': text, 'quickInput-foreground': text, 'editorSuggestWidget-foreground': text },
    ...{ 'button-secondaryForeground': text, 'button-secondaryBackground': ground, errorForeground: text },
    ...{ 'sideBar-background': ground, 'editor-background': ground, 'input-background': ground },
    ...{ contrastBorder: border, contrastActiveBorder: active, focusBorder: active, 'input-border': border },
    ...{ 'button-border': border, 'editorWidget-border': border, 'widget-border': border, 'panel-border': border },
    ...{ 'editorSuggestWidget-border': border, 'progressBar-background': border, 'textBlockQuote-border': text },
    ...{ 'toolbar-hoverOutline': active, 'scrollbarSlider-background': `${border}99` },
  };
}

function colors(
  keyword: string,
  text: string,
  note: string,
  number: string,
  called: string,
  type: string,
  name: string,
) {
  return {
    ...{ keyword: { color: keyword }, literal: { color: keyword }, string: { color: text } },
    ...{ comment: { color: note, italic: true }, number: { color: number }, 'title.function': { color: called } },
    ...{ 'title.class': { color: type }, built_in: { color: called }, attr: { color: name }, tag: { color: keyword } },
    ...{ variable: { color: name }, property: { color: name }, section: { bold: true } },
  };
}
