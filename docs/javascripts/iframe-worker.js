// A page on the disk may not start a worker, so that search would not work there. On file://
// this Worker runs the script in a hidden frame instead, which speaks the same messages.
if (location.protocol === "file:") {
  window.IFrameWorker = class extends EventTarget {
    constructor(url) {
      super();
      this.onmessage = null;
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.frame.title = "search";
      // What is posted before the script has loaded waits for it.
      this.ready = new Promise((loaded) => {
        document.addEventListener("DOMContentLoaded", () => this.begin(url, loaded));
        if (document.readyState !== "loading") this.begin(url, loaded);
      });
    }

    begin(url, loaded) {
      if (this.frame.isConnected) return;
      document.body.append(this.frame);
      const inside = this.frame.contentWindow;
      inside.postMessage = (data) => this.answer(data);
      const script = inside.document.createElement("script");
      script.src = new URL(url, location.href).href;
      script.addEventListener("load", () => loaded(inside));
      inside.document.head.append(script);
    }

    answer(data) {
      const event = new MessageEvent("message", { data });
      this.dispatchEvent(event);
      if (this.onmessage) this.onmessage(event);
    }

    async postMessage(data) {
      const inside = await this.ready;
      inside.dispatchEvent(new inside.MessageEvent("message", { data }));
    }

    terminate() {
      this.frame.remove();
    }
  };
  window.Worker = window.IFrameWorker;
}
