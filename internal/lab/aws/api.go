package aws

import (
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"net/http"
)

// api is one service of the Query protocol.
type api struct {
	namespace  string
	operations map[string]operation
	ec2        bool // EC2 wraps neither results nor errors as the others do
}

// apis by the service name of a signature's scope.
var apis = map[string]*api{
	"sts": {namespace: "https://sts.amazonaws.com/doc/2011-06-15/", operations: stsOperations},
	"iam": {namespace: "https://iam.amazonaws.com/doc/2010-05-08/", operations: iamOperations},
	"ec2": {namespace: "http://ec2.amazonaws.com/doc/2016-11-15/", operations: ec2Operations, ec2: true},
}

func (a *api) call(s *Server, r *request) (any, *fault) {
	op, ok := a.operations[r.action]
	if !ok {
		return nil, &fault{"InvalidAction", http.StatusBadRequest, fmt.Sprintf("Could not find operation %s", r.action)}
	}
	return op(s, r)
}

func (a *api) writeFault(w http.ResponseWriter, f *fault) {
	if a.ec2 {
		f = f.inEC2()
		writeXML(w, f.status, ec2Error{Code: f.code, Message: f.message, RequestID: requestID()})
		return
	}
	kind := "Sender"
	if f.status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	writeXML(w, f.status, queryError{Namespace: a.namespace, Type: kind, Code: f.code, Message: f.message, RequestID: requestID()})
}

// writeResult writes <ActionResponse><ActionResult>…, and for EC2 the result as
// the response itself.
func (a *api) writeResult(w http.ResponseWriter, action string, result any) {
	if a.ec2 {
		writeXML(w, http.StatusOK, result)
		return
	}
	writeXML(w, http.StatusOK, &queryResponse{action: action, namespace: a.namespace, result: result})
}

type queryResponse struct {
	action    string
	namespace string
	result    any
}

// MarshalXML implements xml.Marshaler: the names depend on the action.
func (q *queryResponse) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	response := xml.StartElement{
		Name: xml.Name{Local: q.action + "Response"},
		Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: q.namespace}},
	}
	if err := e.EncodeToken(response); err != nil {
		return err
	}
	if q.result != nil {
		start := xml.StartElement{Name: xml.Name{Local: q.action + "Result"}}
		if err := e.EncodeElement(q.result, start); err != nil {
			return err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{requestID()}
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return err
	}
	return e.EncodeToken(response.End())
}

// requestID returns a random identifier in the form of a UUID.
func requestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
