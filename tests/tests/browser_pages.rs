//! Every page in a real browser, in every size and colour: nothing is loaded or run against the page's own policy,
//! nothing is wider than the screen, and axe-core finds nothing wrong.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is the failed assertion itself")]

use evenkeel_tests::browser::{Browser, Screen, axe};
use evenkeel_tests::program::{Home, Program};
use evenkeel_tests::stage::{Lab, container};

/// A site where something is wrong, so that every page has something to show.
async fn troubled() -> (Lab, Home, Program) {
    let lab = Lab::reference(&["box2-media", "box2-daily"]).await;
    lab.engine("box2-media").stop("jellyfin").unwrap();
    let home = Home::new(&lab, None);
    let program = home.start().await;
    program.until_ready().await;
    (lab, home, program)
}

/// Every page there is: those in the navigation, and one of each kind that they lead to.
async fn pages(browser: &Browser, address: &str) -> Vec<String> {
    browser.open(&format!("http://{address}/")).await;
    browser.until_count("a[href^='/drifts/']", 1).await;
    let links = browser
        .run(
            "const first = (css) => [...document.querySelectorAll(css)].slice(0, 1);
             return [...document.querySelectorAll('nav a'), ...first('a[href^=\"/drifts/\"]'),
                ...first('a[href^=\"/hosts/\"]'), ...first('footer a[href^=\"/api\"]:not([href*=v1])')]
                .map((a) => a.getAttribute('href'))",
        )
        .await;
    let mut links: Vec<String> = serde_json::from_value(links).unwrap();
    assert!(links.len() >= 13, "{links:?}");
    links.extend(["/kiosk", "/login", "/hosts?group=site&view=tiles"].map(str::to_owned));
    links
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_fits_every_screen_keeps_its_policy_and_can_be_used_by_everybody() {
    let Some(browser) = Browser::start().await else { return };
    let axe = axe::program();
    let (_lab, _home, program) = troubled().await;
    let address = program.address().await;
    let mut wrong = Vec::new();
    for page in pages(&browser, &address).await {
        for screen in Screen::ALL {
            browser.dress(screen).await;
            browser.open(&format!("http://{address}{page}")).await;
            let at = format!("{page} on {}", screen.name());
            let overhang = browser.overhang().await;
            if overhang > 0 {
                wrong.push(format!("{at}: {overhang} points too wide"));
            }
            if let Some(axe) = &axe {
                wrong.extend(axe::violations(&browser, axe).await.into_iter().map(|v| format!("{at}: {v}")));
            }
            wrong.extend(browser.complaints().await.into_iter().map(|c| format!("{at}: {c}")));
        }
    }
    assert!(wrong.is_empty(), "{} things are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_runs_in_no_browser() {
    let Some(browser) = Browser::start().await else { return };
    let hostile = "'><img src=x onerror=window.ran=1><script>window.ran=1</script>";
    let lab = Lab::small(&[(hostile, &[(hostile, 80)]), ("box", &[("<svg onload=window.ran=1>", 81)])]).await;
    lab.engine("box").run(container("box", "' autofocus onfocus='window.ran=1", 82));
    lab.engine(hostile).stop(hostile).unwrap();
    let home = Home::new(&lab, None);
    let program = home.start().await;
    let address = program.address().await;
    program.until_ready().await;
    browser.open(&format!("http://{address}/hosts")).await;
    browser.until_count("main a[href^='/hosts/']", 2).await;
    let links = "return [...document.querySelectorAll('a[href^=\"/\"]')].map((a) => a.getAttribute('href'))";
    let mut paths: Vec<String> = Vec::new();
    for start in ["/hosts", "/", "/events"] {
        browser.open(&format!("http://{address}{start}")).await;
        paths.extend(serde_json::from_value::<Vec<String>>(browser.run(links).await).unwrap());
    }
    paths.sort();
    paths.dedup();
    assert!(paths.iter().any(|path| path.starts_with("/drifts/")), "{paths:?}");
    for path in paths.iter().filter(|path| !path.starts_with("/api") && !path.starts_with("/metrics")) {
        browser.open(&format!("http://{address}{path}")).await;
        let ran = browser.run("return window.ran ?? null").await;
        assert!(ran.is_null(), "{path} ran it");
        assert_eq!(browser.complaints().await, Vec::<String>::new(), "{path}");
    }
}
