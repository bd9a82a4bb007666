/** The engine's state as the page shows it. Pure. */
import { isSmallChatModel, STARTER } from '../../bundledModels.ts';
import type { EngineView } from '../../../webview/protocol.ts';
import type { Where } from '../../remote/whereText.ts';
import type { EngineState, Remedy } from '../../engine/engine.ts';
import type { Translate } from '../../common/translate.ts';

/** `chatModel` is the chat's model as modelOf names it, or as its server does. */
export function engineView(state: EngineState, chatModel: string, where: Where, t: Translate): EngineView {
  const view: EngineView = { kind: state.kind, text: '', fraction: 0, remedies: [], advice: '', ...where };
  switch (state.kind) {
    case 'off':
      return { ...view, text: t('The engine will start with the next question.') };
    case 'sleeping':
      return { ...view, text: t('The model is sleeping. It will load with the next question.') };
    case 'starting':
      return {
        ...view,
        text: state.server === undefined ? t('Starting the engine') : t('Connecting to {0}', state.server),
      };
    case 'loading':
      return { ...view, text: t('Loading the model'), fraction: state.fraction };
    case 'ready': {
      const advice = adviceOn(state.model.chat, chatModel, t);
      const remedies: EngineView['remedies'] =
        chatModel === STARTER ? ['getChatModel', 'chooseModel'] : ['chooseModel'];
      return { ...view, text: state.model.name, advice, remedies: advice === '' ? [] : remedies };
    }
    case 'failed':
      return { ...view, text: state.message, remedies: REMEDIES[state.remedy] };
  }
}

const REMEDIES: Record<Remedy, EngineView['remedies']> = {
  chooseModel: ['chooseModel', 'restart', 'log'],
  restart: ['restart', 'log'],
  settings: ['restart', 'log'],
  server: ['server', 'log'],
};

function adviceOn(canChat: boolean, chatModel: string, t: Translate): string {
  if (chatModel === STARTER)
    return t(
      'The bundled starter model can complete code, but it cannot hold a conversation. Choose a chat model to get useful answers.',
    );
  if (isSmallChatModel(chatModel))
    return t('This model is very small: it answers fluently, but it is often wrong. Choose a larger one to rely on.');
  return canChat ? '' : t('This model has no chat template. It can complete code, but it cannot answer questions.');
}
