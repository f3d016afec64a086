//! A user's devices.

include!(concat!(env!("OUT_DIR"), "/devices.rs"));

use actix_http::Request;
use actix_service::Service;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::ServiceResponse,
    test::{TestRequest, init_service},
    web::Path,
};
use sessions_tests::{Initiator, Jar};

#[post("/login/{user}/{device}")]
async fn login(session: Session, path: Path<(String, String)>) -> Result<&'static str> {
    let (user, device) = path.into_inner();
    session.set_owner(user)?;
    session.insert("name", device)?;
    Ok("in")
}

async fn post<S, B>(jar: &mut Jar, app: &S, path: &str, form: &str) -> (u16, String)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let request = TestRequest::post()
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(form.to_owned());
    let answer = jar.send(app, request, path, Initiator::OurSite).await;
    (answer.status.as_u16(), answer.body)
}

async fn listed<S, B>(jar: &mut Jar, app: &S) -> Vec<Device>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let answer = jar.get(app, "/devices").await;
    serde_json::from_str(&answer.body).expect("it is a list of devices")
}

#[actix_web::test]
async fn a_user_lists_devices_and_ends_one_of_them_and_the_others() {
    let sessions = AppSessions { backend: ServerSide::new(MemoryStore::new()) };
    let app = App::new().app_data(Data::new(sessions.clone())).wrap(sessions);
    let app = init_service(app.service((login, devices, end, end_others))).await;
    let mut jars = [Jar::new(), Jar::new(), Jar::new(), Jar::new()];
    let [phone, laptop, tablet, bob] = &mut jars;
    assert_eq!(phone.get(&app, "/devices").await.status, 401);
    post(phone, &app, "/login/alice/phone", "").await;
    post(laptop, &app, "/login/alice/laptop", "").await;
    post(tablet, &app, "/login/alice/tablet", "").await;
    post(bob, &app, "/login/bob/watch", "").await;

    let list = listed(phone, &app).await;
    let mut names: Vec<_> = list.iter().map(|device| device.name.as_deref()).collect();
    names.sort_unstable();
    assert_eq!(names, [Some("laptop"), Some("phone"), Some("tablet")]);
    let own: Vec<_> = list.iter().filter(|device| device.is_this_one).collect();
    assert_eq!(own.len(), 1);
    assert_eq!(own[0].name.as_deref(), Some("phone"));

    // Not of another user.
    let laptop_s = list.iter().find(|device| device.name.as_deref() == Some("laptop"));
    let form = format!("id={}", laptop_s.expect("it is listed").id);
    assert_eq!(post(bob, &app, "/devices/end", &form).await, (200, "ended: false".to_owned()));
    assert_eq!(post(phone, &app, "/devices/end", &form).await, (200, "ended: true".to_owned()));
    assert_eq!(laptop.get(&app, "/devices").await.status, 401);

    assert_eq!(post(phone, &app, "/devices/end-others", "").await, (200, "ended: 1".to_owned()));
    assert_eq!(tablet.get(&app, "/devices").await.status, 401);
    assert_eq!(listed(phone, &app).await.len(), 1);
    assert_eq!(listed(bob, &app).await.len(), 1);
}
